"""Programs that are compiled or downloaded by hash, and the cache that keeps them."""
