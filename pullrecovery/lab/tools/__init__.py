"""Programs that are compiled or downloaded by hash, and their cache."""
