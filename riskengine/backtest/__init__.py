"""Would the alerts have been worth reading? Nights of the past replayed, and measured by what came after."""
