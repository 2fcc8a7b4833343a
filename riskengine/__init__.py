"""riskengine: enterprise profiles, default risk and nightly signals for financing guarantee institutions."""

__version__ = "0.1.0"
