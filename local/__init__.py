"""The deployment on one machine: the same Pulumi program, an AWS emulator, simulated providers."""
