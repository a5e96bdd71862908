"""Code that several architectures use. A network imports at most one of these modules, next to its own declaration."""
