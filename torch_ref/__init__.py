"""The PyTorch wing: the same rooms as `mlx_impl`, in PyTorch's own idiom. It never imports MLX."""
