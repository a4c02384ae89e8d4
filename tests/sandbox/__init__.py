"""Our own PSPs and mailbox: what the shop talks to in the demo and in the tests. Never imported by the shop."""
