"""`make soak`: the whole shop under customers, faults and kills; then its books are compared with the PSPs'."""
