"""One contract, two adapters, against the sandbox over real HTTP; and what each of them does by itself."""
