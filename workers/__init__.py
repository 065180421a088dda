"""What runs on the cluster: the worker application, and one package of steps per field."""
