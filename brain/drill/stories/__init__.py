"""Stories 演练剧本: what happens to a district of the sample city, with ground truth, in ordinary days."""
