package main

func (r *report) tables() string { return "" }
