"""Why a rate changed: its parts by segment, the segments that explain it best, and what else was different."""
