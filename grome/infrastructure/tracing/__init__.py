"""Traces: spans of requests and their effects, sent to an OpenTelemetry collector where the settings name one."""
