"""Recipes that read a client's catalog; importing this package makes them known to the agency."""

from storefront.recipes import catalog_audit_report, listing_pack  # noqa: F401  they register themselves
