"""The sandbox process: a child process of extract that decodes, draws and de-identifies files.

Decoders are native code, and files come from outside. So each file is prepared in a process without
credentials, within limits of memory and processor time. A decoder that crashes or hangs ends only
this process, and the file is refused.
"""
