"""The memory: what clinics, patients and staff leave behind, sealed and kept apart clinic by clinic."""
