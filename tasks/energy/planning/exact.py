"""The planning problem solved as one mixed-integer program, by HiGHS."""

import time
from typing import Any

import numpy as np

from tasks.energy.planning.checking import cost_of
from tasks.energy.planning.problem import IS_OFF, Floats, Numbers, SleepPlan, SleepProblem
from tasks.energy.planning.program import Program
from tasks.energy.planning.reducing import reduced
from tasks.energy.planning.terms import Terms, terms_of


def solve_exact(
    problem: SleepProblem,
    time_limit_s: float,
    least_gap: float = 1e-6,
    start: Numbers | None = None,
) -> SleepPlan:
    """Return the cheapest plan, or the best found in time with the bound proved until then.

    Args:
        problem: what is to be decided.
        time_limit_s: most wall time for the solver, in s.
        least_gap: share of the cost at which the search may end.
        start: (C, T) modes to start from; ignored where they break a demand.

    Raises:
        InputError: the problem's numbers cannot be used.
    """
    began = time.process_time()
    terms = terms_of(problem)
    mode, bound = best_modes(terms, time_limit_s, least_gap, start)
    cost = cost_of(terms, mode)
    return SleepPlan(mode, cost, min(bound, cost), "exact", time.process_time() - began)


def awake(terms: Terms) -> Numbers:
    """Return (C, T) the plan that is always possible: ACTIVE, off the air only where held there."""
    off_modes = np.flatnonzero(IS_OFF)
    cost = np.where(terms.may[:, :, IS_OFF], terms.cost[:, :, IS_OFF], np.inf)
    if not cost.size:
        return np.zeros(terms.shape, dtype=np.int8)
    return np.where(terms.held_off, off_modes[cost.argmin(axis=2)], 0).astype(np.int8)


def best_modes(
    terms: Terms, time_limit_s: float, least_gap: float, start: Numbers | None = None
) -> tuple[Numbers, float]:
    """Return (C, T) the best modes found and a bound that no feasible choice goes below."""
    if not terms.cost.size:
        return np.zeros(terms.shape, dtype=np.int8), 0.0
    program = Program.of(reduced(terms))
    columns, bound = _solved(program, time_limit_s, least_gap, start)
    if columns is None:
        return awake(terms) if start is None else start, bound
    found = np.zeros(terms.cost.shape)
    found[program.modes] = columns[: program.mode_columns]
    return found.argmax(axis=2).astype(np.int8), bound


def _solved(
    program: Program, time_limit_s: float, least_gap: float, start: Numbers | None
) -> tuple[Floats | None, float]:
    """Return the columns' values, None where no plan was found in time, and the proved bound."""
    import highspy  # noqa: PLC0415
    from scipy.sparse import coo_array  # noqa: PLC0415

    row, column, value = (np.concatenate(part) for part in zip(*program.entries, strict=True))
    matrix = coo_array((value, (row, column)), shape=(program.rows, program.columns)).tocsr()
    costs = program.costs()
    unit = float(np.abs(costs).max()) or 1.0
    lp: Any = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.columns, program.rows
    lp.col_cost_ = costs / unit
    lp.col_lower_ = np.zeros(program.columns)
    lp.col_upper_ = np.ones(program.columns)
    lp.row_lower_ = np.concatenate(program.lower)
    lp.row_upper_ = np.concatenate(program.upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    whole = program.mode_columns + program.spots
    lp.integrality_ = [highspy.HighsVarType.kInteger] * whole + [
        highspy.HighsVarType.kContinuous
    ] * (program.columns - whole)
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, setting in {
        "output_flag": False,
        "threads": 1,
        "time_limit": max(time_limit_s, 0.01),
        "mip_rel_gap": least_gap,
        "mip_abs_gap": 1e-9,
    }.items():
        solver.setOptionValue(name, setting)
    solver.passModel(lp)
    if start is not None:
        known: Any = highspy.HighsSolution()
        known.col_value = program.values(start)
        solver.setSolution(known)
    solver.run()
    found = solver.getInfo()
    bound = found.mip_dual_bound * unit
    if found.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None, bound if np.isfinite(bound) else 0.0
    return np.asarray(solver.getSolution().col_value), bound
