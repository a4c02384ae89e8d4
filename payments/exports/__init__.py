"""What leaves the shop for its accounts: tables of the books, each read and written row by row."""
