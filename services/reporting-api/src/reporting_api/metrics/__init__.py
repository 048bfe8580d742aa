"""The semantic layer: measures by dimensions, filters and periods. Every number of every report and page comes from here."""
