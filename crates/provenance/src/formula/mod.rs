//! Formulas of the trade that need no graph: exact fractions in, exact fractions out.
