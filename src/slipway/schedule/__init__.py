"""An opened project's verbs put under a scheduler, which orders and shows them and decides nothing."""
