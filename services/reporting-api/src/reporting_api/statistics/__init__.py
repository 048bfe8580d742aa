"""The mathematics behind the numbers: pure functions without a database, each with its formula and source.

Where there is nothing to compute, the answer is None, never NaN, and never 0 or 1 by accident.
"""
