"""The demo images alone, under the tightest settings that Docker has, without orchestr8."""
