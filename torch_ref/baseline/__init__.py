"""The baseline layers of this backend; each is defined by its namesake in `lyceum.personas.baseline`."""
