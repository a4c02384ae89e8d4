"""Random histories of orders, customers, staff, the sweep and both PSPs, and what must hold in all of them."""
