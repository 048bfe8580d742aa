"""Appeals: a vendor challenges an audit; somebody who had no part in it decides, without knowing whose audit it is."""
