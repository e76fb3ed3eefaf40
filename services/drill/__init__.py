"""drill (演练): plays hotlines, units, the desk and the providers through the public doors only."""
