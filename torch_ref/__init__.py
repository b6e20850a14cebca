"""The PyTorch backend: the same layers as `mlx_impl`, in PyTorch's own idiom. It never imports MLX."""
