"""The built-in architectures. One file declares one architecture; `networks` holds the code that needs torch."""
