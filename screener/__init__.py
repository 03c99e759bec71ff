"""Headache screener for clinics: danger first, then class, then a consultation request."""
