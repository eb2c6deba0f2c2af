"""What the reference documents send."""

# Every category in it is one that no listing has, and its area and age are numbers where the file has text.
HOUSING_REQUEST = {
    "GrossSquareMeters": 100.0,
    "NetSquareMeters": 80.0,
    "BuildingAge": 10.0,
    "NumberOfRooms": 3.0,
    "district": "district1",
    "HeatingType": "central",
    "StructureType": "concrete",
    "FloorLocation": "middle",
    "address": "123 Main St",
    "AdCreationDate": "2024-01-01",
    "Subscription": "premium",
}
