"""The studio as a server of the Model Context Protocol: tools that a language model calls for its person."""
