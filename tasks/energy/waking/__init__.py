"""Plans in motion: planned anew each period, and cells woken at once where load asks for it."""
