"""FHIR R4 (4.0.1): what we ask, what was said, and a request as one transaction, for other systems."""
