"""The sandbox is what everything is proven against: here it is proven itself."""
