"""The sandbox process: a child process of extract that decodes, draws and de-identifies files.

Decoders are native code, and files come from outside. So each file is prepared in a process without
credentials, within limits of memory, processor time and size, which has given up all files but its own
folder, sockets, other processes and programs. A decoder that crashes or hangs ends only this process,
and the file is refused.
"""
