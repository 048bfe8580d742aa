"""Objectives of persons, sites and vendors. How one stands is read from the metrics whenever it is asked, and never kept."""
