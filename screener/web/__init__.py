"""The doors: the only room with Flask, WTForms and Jinja."""
