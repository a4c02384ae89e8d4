"""Dates and times as German-speaking Switzerland writes them."""

DATE_FORMAT = "j. F Y"
SHORT_DATE_FORMAT = "d.m.Y"
TIME_FORMAT = "G.i\u00a0\\U\\h\\r"
DATETIME_FORMAT = "j. F Y \\u\\m G.i\u00a0\\U\\h\\r"
SHORT_DATETIME_FORMAT = "d.m.Y H.i"
DATE_INPUT_FORMATS = ["%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y"]
