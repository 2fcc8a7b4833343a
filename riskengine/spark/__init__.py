"""How do the same definitions run on a cluster that is already there? Through PySpark, over the same facts."""
