"""Would an independent validator sign this model? Tests with intervals, power and a verdict each."""
