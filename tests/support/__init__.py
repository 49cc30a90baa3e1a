"""Requests and events that several test folders use."""
