"""The ground floor: errors, files, names, progress and the data classes everything speaks in."""
