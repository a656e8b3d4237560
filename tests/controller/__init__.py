"""The controller's own judgements: advice, gates, the executor, how a fleet is composed."""
