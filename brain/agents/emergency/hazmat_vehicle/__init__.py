"""Vehicles with hazardous goods 危化品车辆: off the route, stopped where none may, too fast, close to key sites."""
