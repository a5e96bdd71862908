"""The networks themselves. Everything here imports torch, so the declarations name it by string."""
