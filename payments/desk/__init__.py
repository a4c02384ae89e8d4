"""What staff work with: an order's file, what may be done about it, and the lists. Its pages live in the admin."""
