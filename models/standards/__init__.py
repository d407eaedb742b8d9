"""Risk models judged against public standards: tables with dates in, judgements of columns of events out."""
