"""Rate limits of accounts and addresses, by class of route, counted together by all processes."""
