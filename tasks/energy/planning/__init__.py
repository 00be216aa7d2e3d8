"""What sleeps when: the problem, its solvers with a proved bound, and the check of any plan."""
