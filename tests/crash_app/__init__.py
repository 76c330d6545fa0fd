"""Workflows for the crash test."""
