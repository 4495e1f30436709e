"""Analyses of ensembles of any model: Analyze, AnalyzeInParts and Assimilate.

setting   which filter, and where the state lies       task      do the tensors fit together?
arrays    are the numbers possible?                    program   the analysis itself, pure
analyst   from a request to its analysis, on a device  session   what is carried between cycles
calls     the servicer's methods
"""
