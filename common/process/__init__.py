"""The process: its log, metrics, threads of native libraries, and its parent."""
